//! Traditional characters as simplified ones.
//!
//! Only single characters and only those that everyday words need: a list for filtering compares words, it does not
//! convert texts. The words of a list are folded with the same table, so that a pair that is missing here costs no more
//! than one spelling.

use std::sync::LazyLock;

/// A traditional character and the simplified one, pair after pair.
const PAIRS: &str = "\
    丟丢並并乾干亂乱亞亚佔占來来係系俠侠倆俩倉仓個个們们倫伦偉伟側侧偵侦偽伪傑杰傘伞備备傢家傭佣傳传債债傷伤傾倾僅仅\
    價价儀仪億亿儉俭償偿優优儲储兇凶兒儿內内兩两冊册凍冻凱凯別别刪删則则剛刚創创劃划劇剧劉刘劍剑劑剂勁劲動动務务勝胜\
    勞劳勢势勦剿勳勋勵励勸劝勻匀區区協协卻却厭厌厲厉參参叢丛吳吴吶呐呂吕員员問问啞哑啟启喚唤喪丧喬乔單单嗆呛嗎吗嗚呜\
    嘆叹嘔呕嘗尝嘩哗嘯啸嘰叽噁恶噴喷噸吨噹当嚇吓嚴严囂嚣囉啰囌苏國国圍围園园圓圆圖图團团執执堅坚堯尧報报場场塊块塗涂\
    塚冢塵尘墊垫墜坠墮堕墳坟壇坛壓压壘垒壞坏壟垄壩坝壯壮壺壶壽寿夠够夢梦夥伙夾夹奧奥奪夺奮奋妝妆妳你姍姗姦奸姪侄娛娱\
    婁娄婦妇媽妈嫵妩嬈娆嬋婵嬌娇嬤嬷嬪嫔嬰婴嬸婶孃娘孌娈孫孙學学孿孪宮宫寢寝實实寧宁審审寫写寬宽寵宠寶宝將将專专尋寻\
    對对導导尷尴屆届屍尸屜屉屢屡層层屬属岡冈峯峰島岛峽峡崗岗嶺岭嶼屿巒峦巔巅帥帅師师帳帐帶带幀帧幟帜幣币幫帮幹干幾几\
    庫库廁厕廂厢廈厦廚厨廝厮廟庙廠厂廢废廣广廳厅弒弑張张強强彈弹彌弥彎弯後后徑径從从復复徹彻悅悦悶闷悽凄惡恶惱恼愛爱\
    愾忾態态慘惨慚惭慟恸慣惯慫怂慮虑慶庆慾欲憂忧憊惫憐怜憑凭憤愤憲宪憶忆懇恳應应懨恹懲惩懶懒懷怀懸悬懺忏懼惧戀恋戰战\
    戲戏戶户拋抛挾挟捨舍掃扫掄抡掙挣掛挂採采揀拣揚扬換换揮挥揹背損损搖摇搗捣搶抢摟搂摯挚摳抠摺折摻掺撈捞撐撑撓挠撣掸\
    撥拨撫抚撲扑撿捡擁拥擄掳擇择擊击擋挡擔担據据擠挤擧举擬拟擯摈擰拧擱搁擴扩擺摆擼撸擾扰攄摅攆撵攏拢攔拦攙搀攜携攝摄\
    攤摊攪搅攬揽敗败敵敌數数斂敛斃毙斬斩斷断於于時时晉晋晝昼暈晕暉晖暢畅暫暂暱昵曇昙曉晓曖暧曠旷曬晒書书會会朧胧東东\
    枴拐柵栅條条棄弃棟栋棧栈棲栖楊杨楓枫楨桢業业極极榪杩榮荣構构槍枪槓杠槳桨樁桩樂乐樓楼標标樣样樸朴樹树橋桥機机橢椭\
    橫横檔档檢检檯台櫃柜櫥橱櫻樱欄栏權权欽钦歎叹歐欧歡欢歲岁歷历歸归殘残殞殒殤殇殲歼殺杀殼壳毀毁毆殴氣气氳氲汙污決决\
    沒没況况洩泄洶汹涇泾涼凉淒凄淚泪淨净淪沦減减渦涡測测渾浑湊凑湯汤準准溝沟溫温滄沧滅灭滬沪滲渗滾滚滿满漁渔漢汉漬渍\
    漲涨漸渐漿浆潑泼潔洁潤润潰溃澤泽濁浊濃浓濕湿濘泞濟济濤涛濫滥濺溅濾滤瀆渎瀉泻瀏浏瀕濒瀘泸瀟潇灑洒灘滩灣湾災灾為为\
    烏乌烴烃無无煉炼煙烟煥焕煩烦熱热燈灯燉炖燒烧燙烫營营燦灿燭烛爍烁爐炉爛烂爭争爺爷爾尔牆墙牘牍牠它牽牵犧牺狀状狹狭\
    狽狈猙狰猶犹獄狱獅狮獎奖獨独獰狞獲获獵猎獸兽獺獭獻献現现瑣琐瑤瑶瑪玛環环瓊琼產产甦苏畝亩畢毕畫画異异當当疊叠瘋疯\
    療疗癡痴癢痒癥症癬癣癮瘾癱瘫癲癫發发皚皑皰疱皺皱盜盗盡尽監监盤盘盧卢盪荡眾众睜睁瞞瞒瞭了矚瞩矯矫砲炮硃朱碩硕確确\
    碼码磚砖礎础礙碍礦矿祂他祕秘禍祸禎祯禦御禪禅禮礼禿秃稈秆種种稱称積积穢秽穩稳窩窝窮穷竄窜竅窍竊窃競竞筆笔筍笋節节\
    範范築筑簡简簾帘籃篮籌筹籠笼籤签粵粤糞粪糧粮糾纠紀纪紅红紋纹納纳純纯紗纱紙纸級级紛纷紡纺紮扎細细紹绍終终組组結结\
    絕绝絞绞絡络給给絨绒統统絲丝綁绑綑捆經经綜综綠绿綫线維维網网綴缀綺绮綽绰緊紧緋绯緒绪線线緝缉緣缘編编緩缓緬缅練练\
    緻致縊缢縐绉縛缚縣县縫缝縮缩縱纵縷缕總总績绩繃绷織织繞绕繡绣繩绳繫系繳缴繼继續续纏缠纖纤罈坛罎坛罰罚罵骂罷罢羅罗\
    羈羁羣群羥羟羨羡義义習习聖圣聞闻聯联聰聪聲声聳耸職职聽听聾聋肅肃脅胁脫脱脹胀腎肾腦脑腫肿腳脚腸肠膚肤膠胶膩腻膽胆\
    膾脍膿脓臉脸臍脐臘腊臟脏臥卧臨临臺台與与興兴舉举舊旧艙舱艦舰艱艰艷艳芻刍莊庄莖茎莢荚華华菸烟萬万葉叶葷荤蓋盖蓮莲\
    蔔卜蔣蒋蔥葱蔭荫蕓芸蕩荡蕪芜蕭萧薈荟薑姜薔蔷薦荐薩萨藉借藍蓝藝艺藥药蘇苏蘊蕴蘋苹蘭兰處处虛虚虜虏號号虧亏蛻蜕蝕蚀\
    蝦虾蝸蜗螞蚂蟲虫蠅蝇蠟蜡蠶蚕蠻蛮衆众衊蔑術术衛卫衝冲裊袅裏里補补裝装裡里製制褲裤褻亵襖袄襪袜襯衬襲袭見见規规覓觅\
    視视親亲覬觊覷觑覺觉覽览觀观觸触訂订計计訊讯討讨訓训記记訛讹訝讶訣诀訥讷訪访設设許许訴诉註注詆诋詐诈評评詛诅詞词\
    詠咏詢询試试詩诗詭诡話话該该詳详誅诛認认誕诞誘诱語语誠诚誣诬誤误說说誰谁課课誹诽誼谊調调諂谄談谈請请諒谅論论諜谍\
    諧谐諮咨諷讽諸诸諾诺謀谋謂谓謊谎謗谤謙谦講讲謝谢謠谣謬谬謹谨謾谩譁哗證证譏讥識识譚谭譜谱譯译議议譴谴護护讀读變变\
    讎雠讐雠讒谗讓让讚赞豈岂豎竖豐丰豬猪貓猫貝贝貞贞負负財财貢贡貧贫貨货販贩貪贪貫贯責责貴贵貶贬買买貸贷費费貼贴貿贸\
    賀贺賁贲賄贿資资賊贼賓宾賜赐賞赏賠赔賢贤賣卖賤贱賦赋質质賬账賭赌賴赖賸剩賺赚購购賽赛贈赠贏赢贓赃贖赎趕赶趙赵踐践\
    踴踊蹤踪蹺跷躂跶躍跃躪躏軀躯車车軌轨軍军軟软較较載载輔辅輕轻輛辆輝辉輩辈輪轮輸输輻辐轄辖轉转轍辙轎轿轟轰辦办辭辞\
    辮辫辯辩農农這这連连週周進进遊游運运過过達达違违遙遥遜逊遞递遠远適适遲迟遷迁選选遺遗遼辽邁迈還还邇迩邊边邏逻郵邮\
    鄉乡鄧邓鄭郑鄰邻鄲郸醃腌醜丑醞酝醫医醬酱釀酿釁衅釋释釘钉針针釣钓鈉钠鈍钝鈔钞鈕钮鈣钙鈴铃鈾铀鉀钾鉗钳鉛铅鉤钩銀银\
    銅铜銘铭銜衔銳锐銷销鋒锋鋪铺鋰锂鋸锯鋼钢錄录錘锤錢钱錦锦錯错鍊炼鍋锅鍍镀鍛锻鍵键鍾钟鎖锁鎗枪鎧铠鎮镇鏈链鏗铿鏟铲\
    鏡镜鏢镖鏽锈鐘钟鐳镭鐵铁鑄铸鑒鉴鑰钥鑲镶鑽钻鑿凿長长門门閃闪閉闭開开閒闲間间閣阁閥阀閩闽閱阅閹阉闆板闊阔闌阑闖闯\
    關关闡阐闢辟陝陕陣阵陰阴陳陈陸陆陽阳隊队階阶隕陨際际隨随險险隱隐隸隶隻只雖虽雙双雛雏雜杂雞鸡離离難难雲云電电霧雾\
    靂雳靄霭靈灵靜静韁缰韌韧韓韩響响頁页頂顶項项順顺須须預预頑顽頒颁頓顿頗颇領领頤颐頭头頸颈頻频題题額额顎颚顏颜願愿\
    顛颠類类顧顾顫颤顯显風风颱台飄飘飛飞飢饥飯饭飲饮飽饱飾饰餅饼養养餒馁餓饿餘余館馆餵喂饋馈饑饥饒饶馬马馮冯馴驯駁驳\
    駐驻駕驾駛驶駭骇騁骋騎骑騙骗騰腾騷骚騸骟驅驱驕骄驗验驚惊驟骤驢驴髏髅髒脏體体髖髋髮发鬆松鬍胡鬚须鬥斗鬧闹鬱郁魎魉\
    魚鱼魯鲁鮮鲜鯉鲤鯨鲸鰻鳗鳥鸟鳩鸠鳳凤鴉鸦鴨鸭鴻鸿鴿鸽鵝鹅鵬鹏鶏鸡鷄鸡鷗鸥鷹鹰鹹咸鹽盐麗丽麥麦麩麸麵面麼么麽么黃黄\
    點点黨党黴霉齊齐齋斋齒齿齜龇齡龄齣出齪龊齷龌龍龙龐庞龜龟\
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
