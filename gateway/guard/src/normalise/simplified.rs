//! Traditional characters as simplified ones.
//!
//! Only single characters and only those that everyday words need: a list for filtering compares words, it does not
//! convert texts. The words of a list are folded with the same table, so that a pair that is missing here costs no more
//! than one spelling.

use std::sync::LazyLock;

/// A traditional character and the simplified one, pair after pair.
const PAIRS: &str = "\
    丟丢並并乾干亂乱亞亚佔占來来係系俠侠倆俩倉仓個个們们倫伦偉伟側侧偵侦偽伪傘伞備备傭佣傳传債债傷伤傾倾僅仅價价儀仪\
    億亿儉俭償偿優优儲储兇凶兒儿內内兩两冊册凍冻凱凯別别刪删則则剛刚創创劃划劇剧劉刘劍剑劑剂勁劲動动務务勝胜勞劳勢势\
    勦剿勳勋勵励勸劝勻匀區区協协卻却厭厌厲厉參参叢丛吳吴吶呐呂吕員员問问啞哑啟启喚唤喪丧喬乔單单嗆呛嗎吗嗚呜嘆叹嘔呕\
    嘗尝嘩哗嘯啸嘰叽噁恶噴喷噸吨噹当嚇吓嚴严囉啰國国圍围園园圓圆圖图團团執执堅坚堯尧報报場场塊块塗涂塚冢塵尘墊垫墜坠\
    墳坟壇坛壓压壞坏壟垄壩坝壯壮壺壶壽寿夠够夢梦夥伙夾夹奧奥奪夺奮奋妝妆妳你姍姗姦奸姪侄娛娱婁娄婦妇媽妈嫵妩嬈娆嬌娇\
    嬤嬷嬪嫔嬰婴嬸婶孃娘孌娈孫孙學学宮宫寢寝實实寧宁審审寫写寬宽寵宠寶宝將将專专尋寻對对導导尷尴屆届屍尸屢屡層层屬属\
    岡冈峯峰島岛峽峡嶺岭嶼屿帥帅師师帳帐帶带幣币幫帮幹干幾几庫库廁厕廂厢廈厦廟庙廠厂廢废廣广廳厅張张強强彈弹彌弥彎弯\
    後后徑径從从復复徹彻悅悦悶闷悽凄惡恶惱恼愛爱愾忾態态慘惨慚惭慣惯慫怂慮虑慶庆慾欲憂忧憊惫憐怜憑凭憤愤憲宪憶忆懇恳\
    應应懲惩懶懒懷怀懸悬懺忏懼惧戀恋戰战戲戏戶户拋抛挾挟捨舍掃扫掄抡掙挣掛挂採采揀拣揚扬換换揮挥揹背損损搖摇搗捣搶抢\
    摟搂摯挚摳抠摺折摻掺撈捞撐撑撓挠撥拨撫抚撲扑撿捡擁拥擄掳擇择擊击擋挡擔担據据擠挤擧举擬拟擰拧擱搁擴扩擺摆擼撸擾扰\
    攆撵攏拢攔拦攙搀攜携攝摄攤摊攪搅攬揽敗败敵敌數数斂敛斃毙斬斩斷断於于時时晉晋晝昼暈晕暢畅暫暂暱昵曇昙曉晓曠旷曬晒\
    書书會会朧胧東东條条棄弃棟栋棧栈棲栖楊杨楓枫業业極极榪杩榮荣構构槍枪樂乐樓楼標标樣样樸朴樹树橋桥機机橫横檔档檢检\
    檯台櫃柜櫥橱櫻樱欄栏權权歎叹歐欧歡欢歲岁歷历歸归殘残殞殒殲歼殺杀殼壳毀毁毆殴氣气氳氲汙污決决沒没況况洩泄洶汹涼凉\
    淒凄淚泪淨净淪沦減减渦涡測测渾浑湊凑湯汤準准溝沟溫温滄沧滅灭滬沪滲渗滾滚滿满漁渔漢汉漬渍漲涨漸渐潑泼潔洁潤润潰溃\
    澤泽濁浊濃浓濕湿濘泞濟济濤涛濫滥濺溅濾滤瀆渎瀉泻瀟潇灑洒灘滩灣湾災灾為为烏乌烴烃無无煉炼煙烟煥焕煩烦熱热燈灯燉炖\
    燒烧燙烫營营燦灿燭烛爐炉爛烂爭争爺爷爾尔牆墙牠它牽牵犧牺狀状狹狭狽狈猙狰猶犹獄狱獅狮獎奖獨独獰狞獲获獵猎獸兽獻献\
    現现瑪玛環环瓊琼產产甦苏畝亩畢毕畫画異异當当疊叠瘋疯療疗癡痴癢痒癬癣癮瘾癱瘫癲癫發发皚皑皺皱盜盗盡尽監监盤盘盧卢\
    眾众睜睁瞞瞒矯矫硃朱確确碼码磚砖礎础礙碍礦矿祂他祕秘禍祸禦御禪禅禮礼禿秃稈秆種种稱称積积穢秽穩稳窩窝窮穷竄窜竅窍\
    竊窃競竞筆笔筍笋節节範范築筑簡简簾帘籃篮籠笼籤签粵粤糞粪糧粮紀纪紅红納纳純纯紗纱紙纸級级紛纷紮扎細细紹绍終终組组\
    結结絕绝絞绞給给統统絲丝綁绑綑捆經经綠绿維维網网綴缀綺绮綽绰緊紧緋绯緒绪線线緣缘編编緩缓練练緻致縊缢縛缚縣县縫缝\
    縮缩縱纵總总績绩織织繞绕繫系繳缴繼继續续罎坛罰罚罵骂罷罢羅罗羈羁羣群羨羡義义習习聖圣聞闻聯联聰聪聲声聳耸職职聽听\
    聾聋肅肃脅胁脫脱脹胀腎肾腦脑腫肿腳脚腸肠膚肤膠胶膩腻膽胆膿脓臉脸臍脐臟脏臥卧臨临臺台與与興兴舉举舊旧艙舱艦舰艱艰\
    艷艳莊庄莖茎莢荚華华菸烟萬万葉叶葷荤蓋盖蓮莲蔔卜蔣蒋蔭荫蕩荡蕪芜蕭萧薔蔷薦荐薩萨藉借藍蓝藝艺藥药蘇苏蘊蕴蘋苹蘭兰\
    處处虜虏號号虧亏蝕蚀蝦虾蝸蜗螞蚂蟲虫蠅蝇蠟蜡蠶蚕蠻蛮衆众衊蔑術术衛卫衝冲裊袅裏里補补裝装裡里製制褲裤褻亵襪袜襯衬\
    襲袭見见規规覓觅視视親亲覬觊覺觉覽览觀观觸触訂订計计討讨訓训記记訣诀訪访設设許许訴诉註注詆诋詐诈評评詛诅詞词詠咏\
    試试詩诗詭诡話话該该詳详誅诛認认誕诞誘诱語语誠诚誣诬誤误說说誰谁課课誹诽調调諂谄談谈請请論论諜谍諧谐諷讽諸诸諾诺\
    謀谋謂谓謊谎謗谤謙谦講讲謝谢謠谣謾谩證证譏讥識识譜谱譯译議议譴谴護护讀读變变讎雠讐雠讒谗讓让讚赞豈岂豎竖豐丰豬猪\
    貓猫貝贝負负財财貢贡貧贫貨货販贩貪贪貫贯責责貴贵買买貸贷費费貼贴貿贸賀贺賄贿資资賊贼賓宾賜赐賞赏賠赔賢贤賣卖賤贱\
    質质賬账賭赌賴赖賸剩賺赚購购賽赛贈赠贏赢贓赃贖赎趕赶趙赵踐践蹤踪躂跶躍跃躪躏軀躯車车軌轨軍军軟软較较載载輔辅輕轻\
    輛辆輝辉輩辈輪轮輸输轄辖轉转轟轰辦办辭辞辮辫辯辩農农這这連连週周進进運运過过達达違违遜逊遞递遠远適适遲迟遷迁選选\
    遺遗遼辽邁迈還还邊边邏逻郵邮鄉乡鄧邓鄭郑鄰邻醃腌醜丑醞酝醫医醬酱釀酿釁衅釋释釘钉針针釣钓鈍钝鈔钞鈴铃鉗钳鉛铅鉤钩\
    銀银銅铜銳锐銷销鋪铺鋸锯鋼钢錄录錘锤錢钱錯错鍊炼鍋锅鍛锻鍵键鍾钟鎖锁鎗枪鎮镇鏈链鏟铲鏡镜鐘钟鐵铁鑒鉴鑰钥鑽钻鑿凿\
    長长門门閃闪閉闭開开閒闲間间閣阁閥阀閩闽閱阅閹阉闊阔闖闯關关闢辟陝陕陣阵陰阴陳陈陸陆陽阳隊队階阶際际隨随險险隱隐\
    隸隶隻只雖虽雙双雛雏雜杂雞鸡離离難难雲云電电靂雳靈灵靜静韌韧韓韩響响頁页頂顶項项順顺須须預预頑顽頒颁頓顿頗颇領领\
    頭头頸颈頻频題题額额顏颜願愿顛颠類类顧顾顫颤顯显風风颱台飛飞飢饥飯饭飲饮飽饱餅饼養养餒馁餓饿餘余館馆餵喂饑饥饒饶\
    馬马馮冯馴驯駐驻駕驾駛驶駭骇騎骑騙骗騰腾騷骚騸骟驅驱驕骄驗验驚惊驢驴髏髅髒脏體体髮发鬆松鬍胡鬥斗鬧闹鬱郁魎魉魚鱼\
    魯鲁鮮鲜鯨鲸鳥鸟鳩鸠鳳凤鴉鸦鴨鸭鴻鸿鴿鸽鵝鹅鶏鸡鷄鸡鷹鹰鹹咸鹽盐麗丽麥麦麵面麼么麽么黃黄點点黨党黴霉齊齐齋斋齒齿\
    齡龄齪龊齷龌龍龙龐庞龜龟\
";

const FIRST: u32 = 0x4e00;
const CHARACTERS: usize = 0x5200;

/// For each character of the block, the one to take instead; zero for itself.
static TABLE: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let mut table = vec![0_u16; CHARACTERS].into_boxed_slice();
    let letters: Vec<char> = PAIRS.chars().collect();
    for pair in letters.chunks_exact(2) {
        let &[traditional, simplified] = pair else { continue };
        let place = (traditional as u32).checked_sub(FIRST).and_then(|place| table.get_mut(place as usize));
        if let (Some(place), Ok(simplified)) = (place, u16::try_from(simplified as u32)) {
            *place = simplified;
        }
    }
    table
});

/// The simplified form of a character, itself if it has none.
pub(super) fn simplified(letter: char) -> char {
    let place = (letter as u32).wrapping_sub(FIRST) as usize;
    match TABLE.get(place) {
        None | Some(0) => letter,
        Some(&simplified) => char::from_u32(u32::from(simplified)).unwrap_or(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pairs_are_pairs_and_no_simplified_character_is_changed_again() {
        let letters: Vec<char> = PAIRS.chars().collect();
        assert_eq!(letters.len() % 2, 0);
        let traditional: BTreeSet<char> = letters.iter().copied().step_by(2).collect();
        assert_eq!(traditional.len() * 2, letters.len(), "a character stands twice");
        for pair in letters.chunks(2) {
            assert!(!traditional.contains(&pair[1]), "{} is simplified and traditional", pair[1]);
            assert_eq!(simplified(pair[0]), pair[1]);
        }
        assert_eq!(simplified('人'), '人');
    }
}
